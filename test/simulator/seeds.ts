/** Every run of the tests plays these: the first ones, and those that have found something once. */
export const FIRST_SEEDS = 400;

/** Seeds beyond them that have broken a rule, with what they have found. */
export const FOUND: Readonly<Record<number, string>> = {
  504: 'a dispatch from a Rollout that was deleted',
};
