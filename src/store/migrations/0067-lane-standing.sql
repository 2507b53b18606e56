-- How a lane stood (struct lane_standing of src/model/lane.h): when that was, until when its provider asked it to wait, the window its
-- calls had come down to (0: the most), and what its health had counted. stood_at 0: as good as any.
ALTER TABLE lane_state ADD COLUMN stood_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_state ADD COLUMN slow_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_state ADD COLUMN flow_window INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_state ADD COLUMN good INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_state ADD COLUMN bad INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_state ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_state ADD COLUMN undelivered INTEGER NOT NULL DEFAULT 0;
