-- Rules that an event left unjudged, because those before them took all the steps it may take: names, by commas.
ALTER TABLE business_event ADD COLUMN unjudged TEXT;
