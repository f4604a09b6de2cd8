"""Widgets that draw lines from view models and post messages."""
