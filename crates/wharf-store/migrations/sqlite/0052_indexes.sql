-- Each text cost it a page, and lists of a chat go by `messages_by_chat_and_way` in each session.
DROP INDEX messages_by_chat;
