/** How many cases each property is tried with: AOS_PROPERTY_RUNS, by default 500. */
export const RUNS = Number(process.env.AOS_PROPERTY_RUNS ?? 500);
