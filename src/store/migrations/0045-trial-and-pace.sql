-- What a lane has learned of its provider's limit (src/dispatch/pace.h), in thousandths of units a second: a pace that held, and one that
-- was throttled.
ALTER TABLE lane_state ADD COLUMN pace_good INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_state ADD COLUMN pace_bad INTEGER NOT NULL DEFAULT 0;

-- What was counted of a lane on trial so far (src/store/trials.h); out_at is 0 while the trial goes on.
ALTER TABLE trial ADD COLUMN counts TEXT NOT NULL DEFAULT '';
