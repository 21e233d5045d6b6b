-- People who sign in. A name is one of a kind on the whole gateway; `password` is what argon2 made of it, with its salt.
CREATE TABLE users (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT
);
CREATE INDEX users_by_account ON users (account_id, number);

-- Where they are signed in. Of the cookie there is only the SHA-256.
CREATE TABLE logins (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX logins_by_user ON logins (user_id, id);

-- Links that sign in once. Of the token there is only the SHA-256.
CREATE TABLE login_tokens (
    secret_hash BYTEA NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Who it was, where somebody was signed in.
ALTER TABLE audit ADD COLUMN user_id TEXT;
