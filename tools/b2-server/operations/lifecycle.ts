import { requireName } from "../application-key.ts";
import type { Answer } from "../answer.ts";
import { readText } from "../http/request-body.ts";
import { S3Error } from "../s3-error.ts";
import { parseXml } from "../xml/parse-xml.ts";
import type { OperationContext } from "./operation-context.ts";

const MAX_CONFIGURATION_BYTES = 256 * 1024;

export async function getLifecycle(context: OperationContext): Promise<Answer> {
  requireName(context.applicationKey, "");
  const xml = await context.bucket.readLifecycle();
  if (xml === undefined) throw new S3Error("NoSuchLifecycleConfiguration");
  return { status: 200, headers: { "content-type": "application/xml" }, body: xml };
}

/** Stores the lifecycle configuration. The server does not apply it: no object expires. */
export async function putLifecycle(context: OperationContext): Promise<Answer> {
  requireName(context.applicationKey, "");
  const xml = await readText(context.body, MAX_CONFIGURATION_BYTES);
  const document = parseXml(xml);
  if (!document.ok || document.value.name !== "LifecycleConfiguration") {
    throw new S3Error("MalformedXML");
  }
  await context.bucket.writeLifecycle(xml);
  return { status: 200, headers: {} };
}
