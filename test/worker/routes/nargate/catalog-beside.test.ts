import { describe, expect, it } from "vitest";
import type { StorePathHash } from "../../../../src/nix/store-path.ts";
import type { CatalogPort } from "../../../../src/worker/catalog/catalog.ts";
import { githubTrust } from "../../../../testkit/fake-issuer.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";
import { apiRequest, post } from "../../../../testkit/workerd/api.ts";
import { lineOf, makePaths, publish, putNars } from "../../../../testkit/workerd/batches.ts";
import { createTestCatalog } from "../../../../testkit/workerd/catalog.ts";
import {
  BROKEN_CATALOGS,
  brokenCatalog,
  startCatalogGateway,
} from "../../../../testkit/workerd/catalog-gateway.ts";
import { PREFIX } from "../../../../testkit/workerd/gateway.ts";
import { createMemoryBucket } from "../../../../testkit/workerd/memory-bucket.ts";
import { createOidcEnvironment } from "../../../../testkit/workerd/oidc-environment.ts";
import { AUDIENCE, GOOD_CLAIMS, ISSUER } from "../../../../testkit/workerd/oidc-verifier.ts";
import { createFakeIssuer } from "../../../../testkit/fake-issuer.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);

describe.each(Object.entries(BROKEN_CATALOGS))("a catalog %s", (_, call) => {
  it("stops no push and no read", async () => {
    const gateway = await startCatalogGateway(brokenCatalog(call));
    const [path, batched] = await makePaths(2);
    await putNars(
      gateway,
      [path, batched].flatMap((one) => one ?? []),
    );
    const pushing = gateway.open(path?.narinfoPath ?? "", {
      method: "PUT",
      body: path?.narinfo ?? "",
      headers: {
        authorization: "Bearer push-token-of-the-tests",
        "content-length": String(path?.narinfo.length),
      },
    });
    expect((await pushing).response.status).toBe(200);
    const { response } = await gateway.open(path?.narinfoPath ?? "");
    expect([response.status, await response.text()]).toEqual([200, path?.narinfo]);
  });

  it("makes the gateway ask the bucket which paths are missing", async () => {
    const gateway = await startCatalogGateway(brokenCatalog(call));
    await gateway.bucket.putObject(`${PREFIX}${A}.narinfo`, "StorePath: …");
    const { response } = await gateway.open("/api/v1/missing", apiRequest({ paths: [A, B] }));
    expect(await response.json()).toEqual({ missing: [B], rest: [] });
    expect(gateway.log.map(({ code }) => code)).toContain("catalog-not-asked");
  });
});

describe("POST /api/v1/missing with a catalog", () => {
  it("is answered without a request to the bucket", async () => {
    const bucket = createMemoryBucket();
    const catalog = createTestCatalog({ bucket });
    bucket.setText(`${A}.narinfo`, (await makeStorePath(A)).narinfo);
    const gateway = await startCatalogGateway(catalog);
    // It has not listed the bucket yet, so the bucket is asked.
    expect(await (await post(gateway, "missing", { paths: [A, B] })).json()).toEqual({
      missing: [A, B],
      rest: [],
    });
    const asked = await gateway.bucket.countRequests();
    expect(asked).toBeGreaterThan(0);
    await catalog.settle();
    const response = await post(gateway, "missing", { paths: [A, B, B] });
    expect(await response.json()).toEqual({ missing: [B], rest: [] });
    expect(await gateway.bucket.countRequests()).toBe(asked);
  });
});

describe("what a push tells the catalog", () => {
  type Note = Parameters<CatalogPort["note"]>[0];

  function listeningCatalog(): CatalogPort & { readonly notes: Note[] } {
    const notes: Note[] = [];
    const silent = brokenCatalog(BROKEN_CATALOGS["that throws"]);
    return Object.assign(silent, {
      notes,
      note: async (note: Note) => void notes.push(structuredClone(note)),
    });
  }

  it("is who pushed, from which run of which repository", async () => {
    const issuer = await createFakeIssuer(ISSUER);
    const catalog = listeningCatalog();
    const gateway = await startCatalogGateway(
      catalog,
      { OIDC_TRUST: JSON.stringify([githubTrust(ISSUER, AUDIENCE)]) },
      createOidcEnvironment(issuer),
    );
    const token = await issuer.sign({ ...GOOD_CLAIMS, sha: "f".repeat(3000), run_number: 7 });
    const path = await makeStorePath(A);
    const headers = { authorization: `Bearer ${token}` };
    await gateway.push(path.narPath, path.nar, headers);
    await gateway.push(path.narinfoPath, path.narinfo, headers);
    expect(catalog.notes).toEqual([
      {
        by: "issuer.example.org:octo-org/octo-repo",
        claims: {
          repository: "octo-org/octo-repo",
          ref: "refs/heads/main",
          sha: "f".repeat(200),
          event_name: "push",
          actor: "octocat",
          job_workflow_ref: "octo-org/octo-automation/.github/workflows/build.yml@refs/heads/main",
          run_id: "1234567890",
          run_number: "7",
        },
        narinfos: [{ hash: A as StorePathHash, text: path.narinfo }],
      },
    ]);
  });

  it("is how long a build took, if the pusher says so", async () => {
    const catalog = listeningCatalog();
    const gateway = await startCatalogGateway(catalog);
    const paths = await makePaths(3);
    await putNars(gateway, paths);
    await publish(
      gateway,
      paths.map((path, at) => ({ ...lineOf(path), buildSeconds: [1.66, 1e12][at] })),
    );
    const told = catalog.notes.flatMap(({ narinfos }) => narinfos);
    expect(paths.map(({ hash }) => told.find((one) => one.hash === hash)?.buildSeconds)).toEqual([
      1.7,
      undefined,
      undefined,
    ]);
    expect(told).toHaveLength(3);
  });
});
