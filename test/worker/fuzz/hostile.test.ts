import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseNarinfo } from "../../../src/nix/narinfo.ts";
import { ADMIN_TOKEN, PREFIX, PUSH_TOKEN, startGateway } from "../../../testkit/workerd/gateway.ts";
import { HASH, startFilledGateway } from "../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../testkit/store-path.ts";
import { checkProperty, propertyTimeout } from "../../../testkit/check-property.ts";
import { brokenNarinfo, clientHeaders, headerValue, query, rawPath } from "./arbitraries.ts";

describe("any path, by any method, with any headers", () => {
  it(
    "is never a fault of ours, and never reaches past the prefix",
    async () => {
      const { bucket, path, request } = await startFilledGateway({ EDGE: "off" });
      await bucket.putObject("secret", "beside the prefix");
      const method = fc.constantFrom("GET", "GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS");
      await checkProperty(
        "paths",
        fc.asyncProperty(
          rawPath,
          query,
          method,
          clientHeaders,
          async (name, search, verb, headers) => {
            const response = await request(name + search, {
              method: verb,
              headers: { ...headers, authorization: `Bearer ${PUSH_TOKEN}`, "content-length": "1" },
              ...(verb === "PUT" || verb === "POST" ? { body: "x" } : {}),
            });
            expect(response.status, `${verb} ${name}`).toBeLessThan(500);
            expect(await response.text()).not.toContain("beside the prefix");
          },
        ) as never,
        10_000,
      );
      const touched = await bucket.requests();
      const outside = touched.filter(({ key }) => key !== "" && !key.startsWith(PREFIX));
      expect(outside).toEqual([]);
      // Or the paths would be too wild to show anything.
      expect(touched.length).toBeGreaterThan(100);
      expect(touched.filter(({ operation }) => operation.startsWith("Delete"))).toEqual([]);
      expect(path.hash).toBe(HASH);
    },
    propertyTimeout(),
  );
});

describe("any narinfo", () => {
  it(
    "is refused, or is one that Nix takes and whose NAR is there",
    async () => {
      const { bucket, push, request } = await startGateway({ EDGE: "off" });
      const path = await makeStorePath(HASH);
      await push(path.narPath, path.nar);
      let published = 0;
      let inputs = 0;
      let sinceCount = 0;
      // A narinfo that was refused has not reached the bucket. Counted in portions,
      // because the log of the bucket keeps only the latest requests.
      const countWritten = async () => {
        const written = await bucket.requests({ operation: "PutObject" });
        const ofPath = written.filter(({ key }) => key.endsWith(path.narinfoPath));
        expect(ofPath).toHaveLength(sinceCount);
        sinceCount = 0;
        await bucket.clearRequests();
      };
      await checkProperty(
        "narinfos",
        fc.asyncProperty(brokenNarinfo(path.narinfo), async (body) => {
          if (++inputs % 500 === 0) await countWritten();
          const response = await push(path.narinfoPath, body);
          expect(response.status).toBeLessThan(500);
          if (response.status !== 200) return;
          published++;
          sinceCount++;
          const stored = await bucket.getObject(PREFIX + path.narinfoPath.slice(1));
          const narinfo = parseNarinfo(stored?.text ?? "", "/nix/store");
          expect(narinfo.ok && narinfo.value.url).toBe(path.narPath.slice(1));
          await request(path.narinfoPath, {
            method: "DELETE",
            headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
          });
        }) as never,
        10_000,
      );
      await countWritten();
      expect(published).toBeGreaterThan(0);
    },
    propertyTimeout(),
  );
});

describe("any headers and query", () => {
  it(
    "change nothing for the next reader, and a part is the right part",
    async () => {
      const { path, request } = await startFilledGateway();
      const name = fc.constantFrom(path.narPath, path.narinfoPath);
      await checkProperty(
        "headers and queries",
        fc.asyncProperty(name, query, clientHeaders, async (target, search, headers) => {
          const odd = await request(target + search, { headers });
          expect([200, 206, 304, 416]).toContain(odd.status);
          const expected =
            target === path.narPath ? path.nar : new TextEncoder().encode(path.narinfo);
          expect(new Uint8Array(await odd.arrayBuffer())).toEqual(partOf(expected, odd));
          const plain = await request(target);
          expect(plain.status).toBe(200);
          expect(new Uint8Array(await plain.arrayBuffer())).toEqual(expected);
          expect(
            [...plain.headers.keys()].filter((header) => header.startsWith("nargate-")),
          ).toEqual([]);
        }) as never,
        300,
      );
    },
    propertyTimeout(),
  );
});

describe("any credential but a token", () => {
  it(
    "stores nothing",
    async () => {
      const { bucket, push } = await startGateway();
      const path = await makeStorePath(HASH);
      const credential = fc.oneof(
        headerValue,
        fc.string({ maxLength: 60, unit: "grapheme-ascii" }).map((text) => `Bearer ${text.trim()}`),
        fc.string({ maxLength: 60, unit: "binary-ascii" }).map((text) => `Basic ${btoa(text)}`),
        fc.constantFrom(
          `Bearer ${PUSH_TOKEN}x`,
          `Bearer ${PUSH_TOKEN.slice(1)}`,
          `Basic ${btoa(PUSH_TOKEN)}`,
          `bearer`,
          `Bearer ${PUSH_TOKEN.toUpperCase()}`,
        ),
      );
      await checkProperty(
        "credentials",
        fc.asyncProperty(credential, async (authorization) => {
          const response = await push(path.narPath, path.nar, { authorization });
          expect(response.status).toBe(401);
        }) as never,
        1000,
      );
      expect(await bucket.countRequests()).toBe(0);
    },
    propertyTimeout(),
  );
});

/** The bytes that an answer of this status and Content-Range must have. */
function partOf(whole: Uint8Array, { status, headers }: Response): Uint8Array {
  if (status === 200) return whole;
  const [, first, last] =
    /^bytes (\d+)-(\d+)\/1000$/.exec(headers.get("content-range") ?? "") ?? [];
  return status === 206 ? whole.subarray(Number(first), Number(last) + 1) : new Uint8Array();
}
