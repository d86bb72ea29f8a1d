import { describe, expect, inject, it } from "vitest";
import { formatUploadHandle } from "../../../../src/worker/access/upload-handle.ts";
import { errorOf, post, start } from "../../../../testkit/workerd/api.ts";
import { makeLargeNar } from "../../../../testkit/workerd/direct-upload.ts";
import {
  OTHER_TOKEN,
  startGateway,
  startGatewayOfTwo,
} from "../../../../testkit/workerd/gateway.ts";

const MIB = 1024 * 1024;
const FILE_HASH = "05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56";

const body = (handle: unknown) => ({ handle, parts: [1] });

describe.each(["urls", "parts", "abort", "complete"])("the handle of uploads/%s", (path) => {
  it("must be given to the token that shows it", async () => {
    const gateway = await startGatewayOfTwo();
    const { handle } = await start(gateway, await makeLargeNar());
    await gateway.bucket.clearRequests();
    const response = await post(gateway, `uploads/${path}`, body(handle), OTHER_TOKEN);
    expect(response.status).toBe(403);
    expect((await errorOf(response)).code).toBe("handle-of-another");
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it.each([
    { what: "of another gateway", seconds: 60, secret: "another application key", code: 400 },
    { what: "that has expired", seconds: -1, secret: undefined, code: 400 },
  ])("is refused $what", async ({ seconds, secret, code }) => {
    const gateway = await startGateway();
    const handle = await formatUploadHandle(
      {
        nar: `nar/${FILE_HASH}.nar`,
        incoming: `.incoming/${FILE_HASH}.nar/${"0".repeat(16)}/${"0".repeat(32)}`,
        sizeBytes: 17 * MIB,
        uploadId: "1",
        tokenName: "tests",
        expires: new Date(Date.now() + seconds * 1000),
      },
      secret ?? inject("fakeB2").secret,
    );
    const response = await post(gateway, `uploads/${path}`, body(handle));
    expect(response.status).toBe(code);
    expect((await errorOf(response)).code).toBe("handle-invalid");
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it("is refused where one letter of it is another", async () => {
    const gateway = await startGateway();
    const { handle } = await start(gateway, await makeLargeNar());
    const changed = `${handle.startsWith("e") ? "f" : "e"}${handle.slice(1)}`;
    const response = await post(gateway, `uploads/${path}`, body(changed));
    expect(response.status).toBe(400);
    expect((await errorOf(response)).code).toBe("handle-invalid");
  });
});
