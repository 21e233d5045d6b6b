import type { IAuthenticateGeneric, ICredentialTestRequest, ICredentialType, Icon, INodeProperties } from "n8n-workflow";

export class WharfApi implements ICredentialType {
  name = "wharfApi";

  displayName = "Wharf API";

  icon: Icon = { light: "file:../nodes/Wharf/wharf.svg", dark: "file:../nodes/Wharf/wharf.dark.svg" };

  documentationUrl = "wharf";

  properties: INodeProperties[] = [
    {
      displayName: "URL",
      name: "url",
      type: "string",
      required: true,
      default: "http://127.0.0.1:8080",
      placeholder: "e.g. https://wharf.example.com",
      description: "Where Wharf is, without /v1 at its end",
    },
    {
      displayName: "API Key",
      name: "apiKey",
      type: "string",
      typeOptions: { password: true },
      required: true,
      default: "",
      description: "A key with the permissions of what the workflows do: account:read for the test of these credentials, sessions:read for the list of sessions, messages:send to send, webhooks:manage for the trigger",
    },
  ];

  authenticate: IAuthenticateGeneric = {
    type: "generic",
    properties: { headers: { Authorization: "=Bearer {{$credentials.apiKey}}" } },
  };

  test: ICredentialTestRequest = {
    request: { baseURL: '={{$credentials.url.replace(/\\/+$/, "")}}', url: "/v1/account" },
    rules: [{ type: "responseCode", properties: { value: 403, message: "The key is good and lacks account:read, which this test needs" } }],
  };
}
