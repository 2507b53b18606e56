-- Which of its event's outcomes an item belongs to: an event may be gathered for several recipients of one rule. NULL: gathered by an
-- older program, the first of those that nothing was told of yet.
ALTER TABLE digest_item ADD COLUMN outcome INTEGER;
