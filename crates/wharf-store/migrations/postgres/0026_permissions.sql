-- Groups are read and people blocked by permissions of their own: keys that could keep what they could.
UPDATE api_keys SET permissions = REPLACE(permissions, '"contacts:read"', '"contacts:read","groups:read"');
UPDATE api_keys SET permissions = REPLACE(permissions, '"groups:write"', '"groups:read","groups:write"') WHERE permissions NOT LIKE '%"groups:read"%';
UPDATE api_keys SET permissions = REPLACE(permissions, '"messages:send"', '"messages:send","contacts:write"');
