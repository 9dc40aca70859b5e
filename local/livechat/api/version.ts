/** The versions of the APIs that the simulator speaks. */
export const versions = ['v3.4', 'v3.5', 'v3.6'] as const;
export type Version = (typeof versions)[number];
