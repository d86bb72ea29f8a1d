import { peakMemoryMegabytes } from "../measure/process-usage.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import { type Download, fetchFrom, type Source } from "./download-sources.ts";

// After this many of the smallest downloads, V8 has compiled the code.
const SMALLEST_COUNT = 100;

/**
 * Measures the peak memory of a gateway that has not served anything yet. Goes from
 * the smallest download to the largest, because an allocator does not return memory
 * to the system. Downloads one at a time, because several small downloads at once
 * may need as much memory as a large one.
 */
export async function measureDownloadMemory(
  gateway: Source,
  [smallest, ...larger]: readonly [Download, ...Download[]],
  engine: string,
): Promise<Figure[]> {
  const nameOf = (download: Download) => `${download.name}, ${engine}`;
  const peakAfter = async (download: Download, count: number) => {
    await fetchFrom(gateway, download, { connections: 1, count });
    return peakMemoryMegabytes(gateway.process.pid);
  };
  const base = await peakAfter(smallest, SMALLEST_COUNT);
  const comparison = { name: nameOf(smallest), values: [base] };
  const figures = [
    createFigure({ name: `${nameOf(smallest)}, peak memory`, unit: "MB", values: [base] }),
  ];
  for (const download of larger) {
    const peak = await peakAfter(download, 1);
    figures.push(
      createFigure({
        name: `${nameOf(download)}, peak memory`,
        unit: "MB",
        values: [peak],
        comparison,
      }),
      createFigure({
        name: `${nameOf(download)}, growth of memory`,
        unit: "MB",
        values: [peak - base],
        target: "downloadMemory",
      }),
    );
  }
  return figures;
}
