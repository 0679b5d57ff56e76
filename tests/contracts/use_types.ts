// Compiles where the generated types know a route, its answer and what a problem has.
import type { components, operations, paths } from "./api";

type Issue = paths["/api/v1/bots/{bot_id}/users/{open_id}/token"]["post"];
type Token = Issue["responses"]["200"]["content"]["application/json"];
type Refusal = Issue["responses"]["409"]["content"]["application/problem+json"];

export const bearer = (token: Token): string => `${token.token_type} ${token.access_token}`;
export const link = (refusal: Refusal): string | null => refusal.authorize_url ?? null;
export const asked: operations["send_message"]["requestBody"]["content"]["application/json"] = {
  receive_id: "ou_1",
  text: "Hello",
};
export const delivered = (event: components["schemas"]["DeliveredEvent"]): number => event.id;
// @ts-expect-error -- there is no such field
export const wrong = (token: Token): string => token.refresh_token;
