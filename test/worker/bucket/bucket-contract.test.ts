import { openB2 } from "../../../testkit/workerd/b2.ts";
import { bucketContract } from "../../../testkit/workerd/contracts/bucket-contract.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";

bucketContract("the B2 adapter", async () => {
  const { bucket } = await openB2();
  return {
    bucket,
    putSigned: async (url, body) => (await fetch(url, { method: "PUT", body })).ok,
  };
});

bucketContract("the bucket in memory", async () => {
  const bucket = createMemoryBucket();
  return { bucket, putSigned: async (url, bytes) => bucket.putSigned(url, bytes) };
});
