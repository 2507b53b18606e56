-- Words of recipients that the account's webhooks are still to hear of: those that come by API, import or console. Replies and providers'
-- opt-outs are told in the transaction that stores them.
ALTER TABLE consent ADD COLUMN untold INTEGER; -- 1, or NULL
CREATE INDEX consent_untold ON consent (id) WHERE untold IS NOT NULL;
