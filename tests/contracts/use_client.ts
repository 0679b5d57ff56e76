// Asks a portal for its bots, with the generated types and a client that is told by them: `node use_client.js URL KEY`.
import createClient from "openapi-fetch";
import type { paths } from "./api";

declare const process: { argv: string[]; stdout: { write(text: string): void } };

const [, , url, key] = process.argv;
const portal = (bearer: string) =>
  createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${bearer}` } });

const page = await portal(key).GET("/api/v1/bots");
const refused = await portal("fp_bogus").GET("/api/v1/bots", { params: { query: { limit: 1 } } });
const first: string | undefined = page.data?.items[0].app_id;
const code: string | undefined = refused.error?.code;
process.stdout.write(`${first} ${code}`);
// @ts-expect-error -- there is no such route
export const wrong = () => portal(key).GET("/api/v1/robots");
