-- To which countries the account may send, as its administrators say over HTTP: "CN,HK"; empty: to all that the settings allow.
ALTER TABLE account ADD COLUMN countries TEXT NOT NULL DEFAULT '';
