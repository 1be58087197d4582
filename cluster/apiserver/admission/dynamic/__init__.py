"""What policies and webhooks share: which writes they are about, and the expressions they are asked with."""
