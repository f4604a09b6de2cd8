"""Text that both front ends show."""
