import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Capability, ApplicationKey } from "../../../tools/b2-server/application-key.ts";
import { startB2Server, type B2Server } from "../../../tools/b2-server/b2-server.ts";
import type { FakeB2 } from "../../../testkit/node/fake-b2.ts";
import { createS3Client, type S3Client } from "../../../testkit/node/s3-client.ts";

const BUCKET = "bucket";
const ALL: readonly Capability[] = ["listFiles", "readFiles", "writeFiles", "deleteFiles"];

let server: B2Server;
let directory: string;

function createKey(keyId: string, capabilities: readonly Capability[]): ApplicationKey {
  return { keyId, secret: `${keyId}-secret`, capabilities: new Set(capabilities) };
}

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "capabilities-"));
  server = await startB2Server({
    directory,
    region: "us-east-005",
    buckets: [BUCKET],
    keys: [
      createKey("full", ALL),
      createKey("unlisted", ["readFiles", "writeFiles"]),
      createKey("reader", ["readFiles", "listFiles"]),
      createKey("writer", ["writeFiles"]),
      { ...createKey("confined", ALL), namePrefix: "nix/cache/" },
    ],
    durable: false,
  });
  for (const name of ["a", "nix/cache/a"]) await as("full").send("PUT", name, { body: name });
});

afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

function as(keyId: string, secret = `${keyId}-secret`): S3Client {
  const fake: Pick<FakeB2, "endpoint" | "region" | "bucket"> = {
    endpoint: server.endpoint,
    region: "us-east-005",
    bucket: BUCKET,
  };
  return createS3Client(fake, { keyId, secret });
}

describe("capabilities", () => {
  it.each([
    { who: "full", method: "GET", key: "nope", status: 404, code: "NoSuchKey" },
    {
      who: "full",
      method: "GET",
      key: "a",
      query: "?versionId=x",
      status: 404,
      code: "NoSuchVersion",
    },
    { who: "unlisted", method: "GET", key: "nope", status: 403, code: "AccessDenied" },
    { who: "unlisted", method: "HEAD", key: "nope", status: 403, code: undefined },
    {
      who: "unlisted",
      method: "GET",
      key: "a",
      query: "?versionId=x",
      status: 403,
      code: "AccessDenied",
    },
    { who: "unlisted", method: "GET", key: "a", status: 200, code: undefined },
    {
      who: "unlisted",
      method: "GET",
      key: "",
      query: "?list-type=2",
      status: 403,
      code: "AccessDenied",
    },
    {
      who: "unlisted",
      method: "GET",
      key: "",
      query: "?versions",
      status: 403,
      code: "AccessDenied",
    },
    { who: "unlisted", method: "DELETE", key: "b", status: 204, code: undefined },
    {
      who: "unlisted",
      method: "DELETE",
      key: "b",
      query: "?versionId=x",
      status: 403,
      code: "AccessDenied",
    },
    { who: "reader", method: "PUT", key: "b", status: 403, code: "AccessDenied" },
    { who: "reader", method: "DELETE", key: "a", status: 403, code: "AccessDenied" },
    {
      who: "reader",
      method: "POST",
      key: "b",
      query: "?uploads",
      status: 403,
      code: "AccessDenied",
    },
    { who: "writer", method: "GET", key: "a", status: 403, code: "AccessDenied" },
    { who: "confined", method: "GET", key: "nix/cache/a", status: 200, code: undefined },
    { who: "confined", method: "GET", key: "a", status: 403, code: "AccessDenied" },
    { who: "confined", method: "PUT", key: "b", status: 403, code: "AccessDenied" },
    {
      who: "confined",
      method: "GET",
      key: "",
      query: "?list-type=2",
      status: 403,
      code: "AccessDenied",
    },
    {
      who: "confined",
      method: "GET",
      key: "",
      query: "?list-type=2&prefix=nix/cache/",
      status: 200,
      code: undefined,
    },
    {
      who: "confined",
      method: "GET",
      key: "",
      query: "?lifecycle",
      status: 403,
      code: "AccessDenied",
    },
  ])(
    "$who: $method /$key$query is $status",
    async ({ who, method, key, query = "", status, code }) => {
      const init = method === "PUT" ? { query, body: "x" } : { query };
      const reply = await as(who).send(method, key, init);
      expect([reply.status, reply.element("Code")]).toEqual([status, code]);
    },
  );

  it("covers the source of a copy", async () => {
    const headers = { "x-amz-copy-source": `${BUCKET}/a` };
    for (const who of ["writer", "confined"]) {
      const reply = await as(who).send("PUT", "nix/cache/b", { headers });
      expect([who, reply.status]).toEqual([who, 403]);
    }
  });

  it("covers each object of a DeleteObjects", async () => {
    const body = "<Delete><Object><Key>a</Key></Object></Delete>";
    const reply = await as("confined").send("POST", "", { query: "?delete", body });
    expect([reply.status, reply.element("Code")]).toEqual([200, "AccessDenied"]);
  });
});

describe("signatures, over the wire", () => {
  it.each([
    { what: "a wrong secret", keyId: "full", secret: "wrong", code: "SignatureDoesNotMatch" },
    { what: "an unknown key", keyId: "nobody", secret: "x", code: "InvalidAccessKeyId" },
  ])("refuses $what", async ({ keyId, secret, code }) => {
    const reply = await as(keyId, secret).send("GET", "a");
    expect([reply.status, reply.element("Code")]).toEqual([403, code]);
    const head = await as(keyId, secret).send("HEAD", "a");
    expect([head.status, head.text]).toEqual([403, ""]);
  });

  it("words a wrong signature as B2 does", async () => {
    const reply = await as("full", "wrong").send("GET", "a");
    expect(reply.text).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        "<Error><Code>SignatureDoesNotMatch</Code><Message>Signature validation failed</Message></Error>",
    );
  });

  it("refuses a request without one", async () => {
    expect((await fetch(`${server.endpoint}/${BUCKET}/a`)).status).toBe(403);
  });
});
