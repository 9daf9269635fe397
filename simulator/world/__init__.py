"""The world around a station: cars with their batteries, and the people who drive them."""
