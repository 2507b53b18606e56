-- What is known of inbound texts besides their message row: which message they answer, how they sound, what they ask for, what they
-- were answered. Moods, actions are those of src/model/reply.h (append-only there).

CREATE TABLE reply (
    message_id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    number TEXT NOT NULL, -- who wrote
    in_reply_to INTEGER NOT NULL, -- 0: no message of ours is known that it answers
    polarity INTEGER NOT NULL, -- thousandths
    mood INTEGER NOT NULL,
    action INTEGER NOT NULL,
    keyword TEXT,
    topic TEXT,
    answer TEXT,
    answered_at INTEGER NOT NULL, -- 0: it was not
    read_at INTEGER NOT NULL -- 0: nobody has marked it as read
);
CREATE INDEX reply_account ON reply (account_id, message_id);
CREATE INDEX reply_unread ON reply (account_id, message_id) WHERE read_at=0;
CREATE INDEX reply_to ON reply (in_reply_to, message_id) WHERE in_reply_to<>0;
-- How often a number was answered lately.
CREATE INDEX reply_answered ON reply (number, answered_at) WHERE answered_at<>0;
