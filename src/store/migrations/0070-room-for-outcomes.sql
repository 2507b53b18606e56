-- For PostgreSQL alone: of a page of these tables more than half is left free, because a row grows by the provider's id when its outcome is
-- known. With half of it free the last of some thirteen messages, stored and ended in the same batches, found no place beside itself.
/*pg ALTER TABLE message SET (fillfactor=45);
ALTER TABLE attempt SET (fillfactor=42); */
