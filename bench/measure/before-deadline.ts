/** What `work` comes to; throws if it takes longer, and leaves it to itself then. */
export async function beforeDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const tooLate = new Error(`it was not done after ${milliseconds / 1000} s`);
    timer = setTimeout(() => reject(tooLate), milliseconds);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
