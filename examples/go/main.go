// One Truto webhook: its id and its signing secret are outputs for the service that receives the events.
package main

import (
	"example.com/pulumi-truto/sdk/go/truto"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		targetURL := config.Get(ctx, "targetUrl")
		if targetURL == "" {
			targetURL = "https://hooks.example.com/truto"
		}
		orders, err := truto.NewWebhook(ctx, "orders", &truto.WebhookArgs{
			TargetUrl: pulumi.String(targetURL),
			EventTypes: pulumi.StringArray{
				truto.EventTypeRecordCreated,
				pulumi.String("integrated_account:active"),
			},
		})
		if err != nil {
			return err
		}
		ctx.Export("webhookId", orders.ID())
		ctx.Export("webhookSecret", orders.Secret)
		return nil
	})
}
