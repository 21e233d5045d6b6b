-- The lists of chats and of people go from one to the next, and to the newest message of each.
CREATE INDEX messages_by_chat_and_way ON messages (session_id, chat_key, direction, number);
CREATE INDEX messages_by_person ON messages (session_id, (COALESCE(sender_phone, sender)), number)
    WHERE direction = 'incoming' AND sender IS NOT NULL;
