-- One code at a time may be pending for a number and purpose, though two nodes begin one each at once: the second then finds the first.
UPDATE verification SET status=3, superseded=1, done_at=max(created_at, sent_at), sealed=NULL
    WHERE done_at=0 AND EXISTS (SELECT 1 FROM verification AS newer WHERE newer.account_id=verification.account_id
        AND newer.recipient=verification.recipient AND newer.purpose=verification.purpose
        AND newer.done_at=0 AND newer.id>verification.id);
CREATE UNIQUE INDEX verification_pending ON verification (account_id, recipient, purpose) WHERE done_at=0;
