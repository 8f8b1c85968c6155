"""Pictures: their files, their colours, and sheets of them."""
