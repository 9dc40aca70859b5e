import { BadField } from './errors.ts';

/** @throws BadField */
export const readJson = async (request: Request): Promise<unknown> => {
  try {
    return await request.json();
  } catch (cause) {
    throw new BadField('body', `JSON; it cannot be read: ${cause instanceof Error ? cause.message : 'unknown cause'}`);
  }
};
