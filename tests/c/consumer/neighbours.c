/* Two static libraries made by Rust in one program. */

#include <stdio.h>

#include <tokenkeep.h>

int neighbour(void);

int main(void) {
    tokenkeep_config *config = tokenkeep_config_new("acquire");
    tokenkeep_client *client = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_status status = tokenkeep_client_new(config, &client, &error);

    printf("without its settings: %s\n", tokenkeep_status_name(status));
    tokenkeep_error_free(error);
    tokenkeep_client_free(client);
    tokenkeep_config_free(config);
    return neighbour() + (status == TOKENKEEP_CONFIG ? 0 : 1);
}
