BEGIN TRANSACTION;
CREATE TABLE answers (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	question TEXT NOT NULL,
	create_time DATETIME NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE TABLE documents (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	filename TEXT NOT NULL,
	media_type TEXT NOT NULL,
	size_bytes BIGINT NOT NULL,
	sha256 VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	create_time DATETIME NOT NULL,
	update_time DATETIME NOT NULL,
	page_count INTEGER NOT NULL,
	chunk_count INTEGER NOT NULL,
	failure_reason TEXT NOT NULL,
	parser TEXT NOT NULL,
	error_reason VARCHAR DEFAULT '' NOT NULL,
	PRIMARY KEY (tenant, id)
);
INSERT INTO "documents" VALUES('default','kept','a.txt','text/plain',12,'ab','ACTIVE','2026-01-02 03:04:05.678901','2026-01-02 03:04:05.678901',1,2,'','plain','');
CREATE TABLE feedback (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	answer_id VARCHAR NOT NULL,
	rating VARCHAR NOT NULL,
	comment TEXT NOT NULL,
	corrected_sql TEXT NOT NULL,
	create_time DATETIME NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY(tenant, answer_id) REFERENCES answers (tenant, id)
);
CREATE TABLE knowledge_items (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	create_time DATETIME NOT NULL,
	ddl TEXT NOT NULL,
	documentation TEXT NOT NULL,
	example_question TEXT,
	example_sql TEXT,
	PRIMARY KEY (tenant, id)
);
CREATE TABLE schema_version (
	version INTEGER NOT NULL,
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(4);
CREATE TABLE sql_events (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	create_time DATETIME NOT NULL,
	principal VARCHAR NOT NULL,
	action VARCHAR NOT NULL,
	statement_id VARCHAR NOT NULL,
	etag VARCHAR NOT NULL,
	sql TEXT NOT NULL,
	approver VARCHAR NOT NULL,
	row_count BIGINT NOT NULL,
	cache_hit BOOLEAN NOT NULL,
	duration_seconds FLOAT NOT NULL,
	detail TEXT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE TABLE statement_halves (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	answer TEXT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY(tenant, id) REFERENCES statements (tenant, id) ON DELETE CASCADE
);
CREATE TABLE statements (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	question TEXT NOT NULL,
	sql TEXT NOT NULL,
	dialect VARCHAR NOT NULL,
	explanation TEXT NOT NULL,
	tables JSON NOT NULL,
	etag VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	create_time DATETIME NOT NULL,
	expire_time DATETIME NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE TABLE uploads (
	tenant VARCHAR NOT NULL,
	id VARCHAR NOT NULL,
	filename TEXT NOT NULL,
	size_bytes BIGINT NOT NULL,
	sha256 VARCHAR NOT NULL,
	create_time DATETIME NOT NULL,
	expire_time DATETIME NOT NULL,
	document_id VARCHAR NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX documents_by_sha256 ON documents (tenant, sha256);
CREATE INDEX documents_newest ON documents (tenant, create_time, id);
CREATE INDEX documents_by_filename ON documents (tenant, filename);
CREATE INDEX statements_newest ON statements (tenant, principal, state, create_time, id);
CREATE INDEX sql_events_newest ON sql_events (tenant, principal, create_time, id);
CREATE TRIGGER sql_events_stay BEFORE UPDATE ON sql_events BEGIN SELECT RAISE(ABORT, 'events stay'); END;
CREATE TRIGGER sql_events_remain BEFORE DELETE ON sql_events BEGIN SELECT RAISE(ABORT, 'events stay'); END;
CREATE INDEX knowledge_items_newest ON knowledge_items (tenant, create_time, id);
CREATE INDEX feedback_by_answer ON feedback (tenant, answer_id);
COMMIT;
