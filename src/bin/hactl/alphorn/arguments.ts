/** Where a command gets the name of a liferaft from. */
export const liferaftHint = "name of the liferaft, from 'hactl alphorn list'";
