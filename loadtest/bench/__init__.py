"""What a proxied request costs, side by side with others that limit: run by ``loadtest bench``."""
