import { createContext } from "../../../testkit/workerd/edge.ts";
import { edgeContract } from "../../../testkit/workerd/contracts/edge-contract.ts";
import { openCacheApiEdge, openWorkersCacheEdge } from "../../../testkit/workerd/open-edge.ts";

edgeContract("the Cache API", (...answers) => openCacheApiEdge(...answers));
edgeContract("Workers Cache", (...answers) => {
  const opened = openWorkersCacheEdge(answers);
  return { ...opened, context: createContext(opened.cache) };
});
