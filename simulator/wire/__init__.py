"""From bytes to messages and back: RPC frames, the codec of a version's messages, and the WebSocket below them."""
