/** What a command takes a liferaft by. */
export const nameHint = "its name, from 'hactl alphorn list'";
