import { expect, it } from "vitest";
import type { StorePathHash } from "../../../../src/nix/store-path.ts";
import type { IntentAnswer } from "../../../../src/worker/catalog/retention/retention-port.ts";
import { type FakeStorePath, makeStorePath } from "../../../../testkit/store-path.ts";
import {
  type CollectingGateway,
  putPath,
  startCollectingGateway,
} from "../../../../testkit/workerd/collecting-gateway.ts";
import { ADMIN_TOKEN } from "../../../../testkit/workerd/gateway.ts";

const admin = { method: "DELETE", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
const hello = `${"h".repeat(32)}-hello`;

/** Starts a gateway where a push announces hello as soon as a DELETE of glibc has asked. */
async function start() {
  let answer: IntentAnswer | undefined;
  const gateway: CollectingGateway = await startCollectingGateway({
    change: (catalog) => {
      const announceAfter =
        <Found>(ask: (hash: StorePathHash) => Promise<Found>) =>
        async (hash: StorePathHash) => {
          const found = await ask(hash);
          answer = await catalog.intend({
            narinfos: [{ path: hello, nar: undefined, references: [`${hash}-glibc`] }],
          });
          return found;
        };
      return {
        ...catalog,
        findReferrers: announceAfter(catalog.findReferrers),
        beginDeletion: announceAfter(catalog.beginDeletion),
      };
    },
  });
  const glibc = await makeStorePath("g".repeat(32), { name: "glibc" });
  expect((await putPath(gateway, glibc)).status).toBe(200);
  await gateway.catalog.settle();
  return { gateway, glibc, answer: () => answer };
}

const stateOf = async ({ catalog }: CollectingGateway, { hash }: FakeStorePath) =>
  (await catalog.query(`SELECT state, gone_until FROM path WHERE hash = '${hash}'`))[0];

it("a push that announces itself between the question of a DELETE and the DELETE is refused", async () => {
  const { gateway, glibc, answer } = await start();
  expect((await gateway.request(glibc.narinfoPath, admin)).status).toBe(204);
  expect(answer()).toMatchObject({ verdicts: [{ kind: "collected" }] });
  expect(await stateOf(gateway, glibc)).toMatchObject({ state: 4 });
  expect((await gateway.catalog.readStatus()).paths).toBe(0);
});

it("a path that was deleted by hand can be pushed again at once", async () => {
  const { gateway, glibc } = await start();
  await gateway.request(glibc.narinfoPath, admin);
  expect((await putPath(gateway, glibc)).status).toBe(200);
  expect(await stateOf(gateway, glibc)).toMatchObject({ state: 1, gone_until: null });
});
