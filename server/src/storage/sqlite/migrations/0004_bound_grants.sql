-- The SHA-256 thumbprint of the key that a grant's tokens are bound to (RFC 7638); NULL: whoever has them may use them.
ALTER TABLE grants ADD COLUMN key BLOB;
