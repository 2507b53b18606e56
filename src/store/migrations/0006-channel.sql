-- By what a message goes out, and what it carries besides its text (model/content): 0 is sms. step: how many channels of its plan it
-- has left behind; step_from: attempts made on those.
ALTER TABLE message ADD COLUMN channel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN content TEXT;
ALTER TABLE message ADD COLUMN step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN step_from INTEGER NOT NULL DEFAULT 0;
