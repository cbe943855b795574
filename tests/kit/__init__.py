"""The pytest plugin for authors of Hearth plugins: builders, fixtures and a person who chats."""
