-- additive: a column that has a default. The previous release leaves it as it is, and starts from the first sale at once.

-- Whether the sales are refunded once more when the job has reached the last of them: its seller has requested a retry meanwhile.
ALTER TABLE withdrawal ADD COLUMN retry INTEGER NOT NULL DEFAULT 0 CHECK (retry IN (0, 1));
