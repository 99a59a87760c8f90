-- +goose Up
-- The bodies, decisions and elections that an entry belongs to. It follows from the hashed bodies, and verifying compares them.
CREATE TABLE record_within (
  thing TEXT NOT NULL,
  seq BIGINT NOT NULL REFERENCES record_events(seq),
  PRIMARY KEY (thing, seq)
);
CREATE INDEX record_within_seq ON record_within (seq, thing);
INSERT INTO record_within (thing, seq)
  SELECT subject, seq FROM record_events WHERE subject LIKE 'body:%' OR subject LIKE 'decision:%' OR subject LIKE 'election:%'
  UNION SELECT authority, seq FROM record_events WHERE authority LIKE 'decision:%' OR authority LIKE 'election:%'
  UNION SELECT kind || number, seq FROM (
    SELECT 'body:' AS kind, json_extract(body, '$.state.body') AS number, seq FROM record_events WHERE json_type(body, '$.state.body') = 'text'
    UNION ALL
    SELECT 'body:' AS kind, json_extract(body, '$.data.body') AS number, seq FROM record_events WHERE json_type(body, '$.data.body') = 'text'
    UNION ALL
    SELECT 'decision:' AS kind, json_extract(body, '$.state.decision') AS number, seq FROM record_events WHERE json_type(body, '$.state.decision') = 'text'
    UNION ALL
    SELECT 'decision:' AS kind, json_extract(body, '$.data.decision') AS number, seq FROM record_events WHERE json_type(body, '$.data.decision') = 'text'
    UNION ALL
    SELECT 'election:' AS kind, json_extract(body, '$.state.election') AS number, seq FROM record_events WHERE json_type(body, '$.state.election') = 'text'
    UNION ALL
    SELECT 'election:' AS kind, json_extract(body, '$.data.election') AS number, seq FROM record_events WHERE json_type(body, '$.data.election') = 'text') AS said
    WHERE number GLOB '[1-9]*' AND number NOT GLOB '*[^0-9]*'
  ON CONFLICT DO NOTHING;
-- What says no body itself belongs to that of its decision, election or mandate.
INSERT INTO record_within (thing, seq)
  SELECT 'body:' || number, seq FROM (SELECT e.seq AS seq, (SELECT json_extract(h.body, '$.state.body') FROM record_events h
      WHERE h.subject = e.subject AND h.seq < e.seq AND json_extract(h.body, '$.state.body') IS NOT NULL ORDER BY h.seq DESC LIMIT 1) AS number
    FROM record_events e WHERE (e.subject LIKE 'decision:%' OR e.subject LIKE 'election:%' OR e.subject LIKE 'mandate:%') AND json_extract(e.body, '$.state.body') IS NULL) AS home
    WHERE number GLOB '[1-9]*' AND number NOT GLOB '*[^0-9]*'
  ON CONFLICT DO NOTHING;
-- What says no body itself belongs to that of its authority.
INSERT INTO record_within (thing, seq)
  SELECT 'body:' || number, seq FROM (SELECT e.seq AS seq, (SELECT json_extract(h.body, '$.state.body') FROM record_events h
      WHERE h.subject = e.authority AND h.seq < e.seq AND json_extract(h.body, '$.state.body') IS NOT NULL ORDER BY h.seq DESC LIMIT 1) AS number
    FROM record_events e WHERE e.authority LIKE 'decision:%' OR e.authority LIKE 'election:%' OR e.authority LIKE 'mandate:%') AS home
    WHERE number GLOB '[1-9]*' AND number NOT GLOB '*[^0-9]*'
  ON CONFLICT DO NOTHING;
