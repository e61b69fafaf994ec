-- The journal as programs of the last 0.1.0 left it. Only the port of a receiver is another. Never changed.
BEGIN TRANSACTION;
CREATE TABLE "deliveries" (
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    queue_id INTEGER NOT NULL REFERENCES queues (id),
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL DEFAULT 0,
    since_ms INTEGER NOT NULL,
    last_error TEXT,
    PRIMARY KEY (event_id, queue_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "deliveries" VALUES(10,2626031614409905672,'dead',2,1796058246527,1796058245514,'answered 422');
INSERT INTO "deliveries" VALUES(10,8354403916317414947,'pending',0,1796058251768,1796058245514,'tcp connect error: Connection refused (os error 111)');
INSERT INTO "deliveries" VALUES(12,2626031614409905672,'dead',2,1796058247543,1796058245514,'answered 422');
INSERT INTO "deliveries" VALUES(12,8354403916317414947,'pending',0,0,1796058245514,NULL);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    key TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL, me TEXT,
    UNIQUE (user, key)
) STRICT;
INSERT INTO "events" VALUES(1,'7','status:1796058245045:11668691769995428356',1796058245045,'session.status','{"status":"STARTING","statuses":[{"status":"STARTING","timestamp":1796058245045}]}',NULL);
INSERT INTO "events" VALUES(2,'8','status:1796058245087:8520221641743702980',1796058245087,'session.status','{"status":"STARTING","statuses":[{"status":"STARTING","timestamp":1796058245087}]}',NULL);
INSERT INTO "events" VALUES(3,'7','status:1796058245112:18051922216194049461',1796058245112,'session.status','{"status":"WORKING","statuses":[{"status":"STARTING","timestamp":1796058245045},{"status":"WORKING","timestamp":1796058245112}]}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(4,'8','status:1796058245141:9678352398380727616',1796058245141,'session.status','{"status":"WORKING","statuses":[{"status":"STARTING","timestamp":1796058245087},{"status":"WORKING","timestamp":1796058245141}]}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(5,'8','status:1796058245181:10561754744073462363',1796058245181,'session.status','{"status":"STOPPED","statuses":[{"status":"STARTING","timestamp":1796058245087},{"status":"WORKING","timestamp":1796058245141},{"status":"STOPPED","timestamp":1796058245181}]}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(6,'7','status:1796058245362:4017788514887849145',1796058245362,'session.status','{"status":"STARTING","statuses":[{"status":"STARTING","timestamp":1796058245045},{"status":"WORKING","timestamp":1796058245112},{"status":"STARTING","timestamp":1796058245362}],"exit":{"reason":"stopped"}}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(7,'7','status:1796058245373:12674065548061091335',1796058245373,'session.status','{"status":"STOPPED","statuses":[{"status":"WORKING","timestamp":1796058245112},{"status":"STARTING","timestamp":1796058245362},{"status":"STOPPED","timestamp":1796058245373}]}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(8,'7','status:1796058245480:10765763859413829324',1796058245480,'session.status','{"status":"STARTING","statuses":[{"status":"STARTING","timestamp":1796058245362},{"status":"STOPPED","timestamp":1796058245373},{"status":"STARTING","timestamp":1796058245480}]}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(9,'7','status:1796058245513:5420374113016370256',1796058245513,'session.status','{"status":"WORKING","statuses":[{"status":"STOPPED","timestamp":1796058245373},{"status":"STARTING","timestamp":1796058245480},{"status":"WORKING","timestamp":1796058245513}]}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(10,'7','false_5511988887777@c.us_1',1796058245514,'message','{"event":"message","id":"false_5511988887777@c.us_1","chat":"5511988887777@c.us","from":"5511988887777@c.us","to":null,"author":null,"from_me":false,"kind":"chat","body":"n 1","timestamp_ms":1700000000001,"ack":0,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(11,'7','any:false_5511988887777@c.us_1',1796058245514,'message.any','{"event":"message","id":"false_5511988887777@c.us_1","chat":"5511988887777@c.us","from":"5511988887777@c.us","to":null,"author":null,"from_me":false,"kind":"chat","body":"n 1","timestamp_ms":1700000000001,"ack":0,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(12,'7','false_5511988887777@c.us_2',1796058245514,'message','{"event":"message","id":"false_5511988887777@c.us_2","chat":"5511988887777@c.us","from":"5511988887777@c.us","to":null,"author":null,"from_me":false,"kind":"chat","body":"n 2","timestamp_ms":1700000000002,"ack":0,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(13,'7','any:false_5511988887777@c.us_2',1796058245514,'message.any','{"event":"message","id":"false_5511988887777@c.us_2","chat":"5511988887777@c.us","from":"5511988887777@c.us","to":null,"author":null,"from_me":false,"kind":"chat","body":"n 2","timestamp_ms":1700000000002,"ack":0,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "events" VALUES(14,'7','status:1796058251891:14812261266090111050',1796058251891,'session.status','{"status":"STOPPED","statuses":[{"status":"STARTING","timestamp":1796058245480},{"status":"WORKING","timestamp":1796058245513},{"status":"STOPPED","timestamp":1796058251891}]}','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
CREATE TABLE journal (number INTEGER NOT NULL) STRICT;
INSERT INTO "journal" VALUES(4121783675);
CREATE TABLE queues (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (user, address)
) STRICT;
INSERT INTO "queues" VALUES(842420007121117773,'7','http://127.0.0.1:9/takes');
INSERT INTO "queues" VALUES(2626031614409905672,'7','http://127.0.0.1:9/refuses');
INSERT INTO "queues" VALUES(8354403916317414947,'7','');
CREATE TABLE sessions (
    user TEXT PRIMARY KEY,
    statuses TEXT NOT NULL,
    me TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "sessions" VALUES('7','[{"status":"STARTING","timestamp":1796058245480},{"status":"WORKING","timestamp":1796058245513},{"status":"STOPPED","timestamp":1796058251891}]','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
INSERT INTO "sessions" VALUES('8','[{"status":"STARTING","timestamp":1796058245087},{"status":"WORKING","timestamp":1796058245141},{"status":"STOPPED","timestamp":1796058245181}]','{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}');
CREATE INDEX events_by_age ON events (created_ms);
CREATE INDEX events_of_user ON events (user, id);
CREATE INDEX deliveries_pending ON deliveries (queue_id, event_id) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (event_id) WHERE state = 'dead';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',14);
COMMIT;
PRAGMA user_version = 2;
