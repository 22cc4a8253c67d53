// One Truto webhook: its id and its signing secret are outputs for the service that receives the events.
import * as pulumi from "@pulumi/pulumi";
import * as truto from "pulumi-truto";

const config = new pulumi.Config();

const orders = new truto.Webhook("orders", {
    targetUrl: config.get("targetUrl") ?? "https://hooks.example.com/truto",
    eventTypes: [truto.EventType.RecordCreated, "integrated_account:active"],
});

export const webhookId = orders.id;
export const webhookSecret = orders.secret;
