import { describe, expect, it } from "vitest";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";

describe("a store path that is pushed", () => {
  it("comes back byte for byte, by the names and types that Nix gives them", async () => {
    const { bucket, push, request } = await startGateway();
    const path = await makeStorePath(HASH);
    expect((await push(path.narPath, path.nar)).status).toBe(200);
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(200);

    const narinfo = await request(path.narinfoPath);
    expect(narinfo.headers.get("content-type")).toBe("text/x-nix-narinfo");
    expect(await narinfo.text()).toBe(path.narinfo);
    const nar = await request(path.narPath);
    expect(nar.headers.get("content-type")).toBe("application/x-nix-nar");
    expect(nar.headers.get("accept-ranges")).toBe("bytes");
    expect(new Uint8Array(await nar.arrayBuffer())).toEqual(path.nar);

    const keys = await bucket.listKeys();
    expect(keys).toEqual(
      [path.narinfoPath, path.narPath, "/nix-cache-info"]
        .map((name) => PREFIX + name.slice(1))
        .toSorted(),
    );
  });
});
