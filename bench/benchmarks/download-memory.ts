import { peakMemoryMegabytes } from "../measure/process-usage.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import { type Download, fetchFrom, type Source } from "./download-sources.ts";

// As many of the smallest as it takes until the code is compiled.
const SMALLEST_COUNT = 100;

/**
 * The peak of a process that has served nothing, from the smallest download to
 * the largest, since an allocator does not give back what it has once; and one
 * at a time, since several small ones at once may take as much as a large one.
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
