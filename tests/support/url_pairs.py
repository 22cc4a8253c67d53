"""Pairs of URLs that are equal after normalization, and pairs that are not."""

EQUAL_URLS = [
    ("https://hooks.example.com", "https://hooks.example.com/"),
    ("https://hooks.example.com/a", "HTTPS://Hooks.EXAMPLE.com/a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:443/a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:/a"),
    ("https://hooks.example.com?a=1", "https://hooks.example.com/?a=1"),
    ("https://[2001:DB8::1]/a", "https://[2001:db8::1]:443/a"),
    ("http://localhost/a", "http://LOCALHOST:80/a"),
    ("not a url", "not a url"),
]

DIFFERENT_URLS = [
    ("https://hooks.example.com/a", "https://hooks.example.com/A"),
    ("https://hooks.example.com/a", "https://hooks.example.com/a/"),
    ("https://hooks.example.com/a", "https://hooks.example.com/a?b=1"),
    ("https://hooks.example.com/a?b=1", "https://hooks.example.com/a?b=2"),
    ("https://hooks.example.com/a?b=1", "https://hooks.example.com/a?B=1"),
    ("https://hooks.example.com/a?b=1&c=2", "https://hooks.example.com/a?c=2&b=1"),
    ("https://hooks.example.com/a", "https://hooks.example.com:8443/a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:80/a"),
    ("https://hooks.example.com/a", "http://hooks.example.com/a"),
    ("https://hooks.example.com/a", "https://www.hooks.example.com/a"),
    ("https://hooks.example.com/a", "https://user@hooks.example.com/a"),
    ("https://hooks.example.com/%7Ea", "https://hooks.example.com/~a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:port/a"),
    ("https://[hooks", "https://hooks"),
]
