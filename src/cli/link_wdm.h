/* weft link wdm: which wavelength every demand takes on the fibres of its way. */
#ifndef WEFT_CLI_LINK_WDM_H
#define WEFT_CLI_LINK_WDM_H

/* argv[0] is for usage messages; returns the exit status. */
int link_wdm(int argc, char **argv);

#endif
