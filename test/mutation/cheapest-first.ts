import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Runs the files of tests that took the least first, as one failing test is enough to have noticed a mutant. */
export class CheapestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const millis = new Map(files.map((file) => [file, this.#millisOf(file)]));
    return Promise.resolve(files.toSorted((a, b) => (millis.get(a) ?? 0) - (millis.get(b) ?? 0)));
  }

  #millisOf(file: TestSpecification): number {
    return this.ctx.cache.getTestSpecificationResult(file)?.duration ?? 0;
  }
}
