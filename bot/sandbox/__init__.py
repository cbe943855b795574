"""A small Discord on the loopback address: HTTP API, gateway, attachments, and a page to chat from."""
